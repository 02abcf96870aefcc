/** What YAML is made of; every scalar stays the text that was written. */
export type Yaml = string | Yaml[] | { [key: string]: Yaml };

interface Line {
  indent: number;
  text: string;
  number: number;
}

/**
 * Reads the YAML that deploy/ is written in: block and flow collections, plain and quoted scalars, `|` and `>` blocks,
 * several documents. Throws at whatever else YAML has (anchors, tags, tabs, a key twice), because a file that needs it
 * would not be checked as it is understood by others.
 */
export function readYaml(source: string): Yaml[] {
  return source
    .split(/^---$/m)
    .map((part) => new Reader(part).document())
    .filter((document): document is Yaml => document !== undefined);
}

const KEY = /^("[^"]*"|'[^']*'|[^\s#'"[\]{},&*!|>%@`-][^:#]*?|[^\s'"[\]{},]+?):(?: +(.*))?$/;

class Reader {
  private readonly lines: Line[];
  private at = 0;

  constructor(private readonly source: string) {
    this.lines = source.split('\n').flatMap((raw, i) => {
      if (raw.includes('\t')) throw new Error(`line ${i + 1}: a tab`);
      const text = withoutComment(raw.trimStart()).trimEnd();
      return text === '' ? [] : [{ indent: raw.length - raw.trimStart().length, text, number: i + 1 }];
    });
  }

  document(): Yaml | undefined {
    const first = this.lines[0];
    if (!first) return undefined;
    const value = this.block(first.indent);
    const rest = this.lines[this.at];
    if (rest) throw new Error(`line ${rest.number}: does not belong here: ${rest.text}`);
    return value;
  }

  private block(indent: number): Yaml {
    return this.lines[this.at]?.text.startsWith('- ') ? this.sequence(indent) : this.mapping(indent);
  }

  private sequence(indent: number): Yaml[] {
    const items: Yaml[] = [];
    for (let line = this.lines[this.at]; line?.indent === indent; line = this.lines[this.at]) {
      if (!line.text.startsWith('- ')) break;
      const rest = line.text.slice(2).trimStart();
      if (KEY.test(rest) && !rest.startsWith('[') && !rest.startsWith('{')) {
        // An item that is a mapping: its first key stands where the dash pushes it.
        const inner = indent + (line.text.length - rest.length);
        this.lines[this.at] = { ...line, indent: inner, text: rest };
        items.push(this.mapping(inner));
      } else {
        this.at++;
        items.push(this.scalar(rest, line));
      }
    }
    return items;
  }

  private mapping(indent: number): Yaml {
    const found: { [key: string]: Yaml } = {};
    for (let line = this.lines[this.at]; line?.indent === indent; line = this.lines[this.at]) {
      const [, quoted, rest] = KEY.exec(line.text) ?? [];
      if (quoted === undefined || line.text.startsWith('- ')) {
        throw new Error(`line ${line.number}: neither a key nor an item: ${line.text}`);
      }
      const key = unquoted(quoted);
      if (Object.hasOwn(found, key)) throw new Error(`line ${line.number}: the key ${key} twice`);
      this.at++;
      found[key] = this.valueOf(line, rest);
    }
    return found;
  }

  private valueOf(line: Line, rest: string | undefined): Yaml {
    if (rest !== undefined && /^[|>]-?$/.test(rest)) return this.literal(line);
    if (rest !== undefined && rest !== '') return this.scalar(rest, line);
    const next = this.lines[this.at];
    if (!next || next.indent < line.indent) return '';
    // A list may stand at the indentation of its key.
    if (next.indent === line.indent) return next.text.startsWith('- ') ? this.sequence(next.indent) : '';
    if (!/^[[{]/.test(next.text)) return this.block(next.indent);
    this.at++;
    return this.scalar(next.text, next);
  }

  private literal(line: Line): string {
    const texts: string[] = [];
    for (let next = this.lines[this.at]; next && next.indent > line.indent; next = this.lines[++this.at]) {
      texts.push((this.source.split('\n')[next.number - 1] ?? '').trim());
    }
    return texts.join(' ');
  }

  private scalar(text: string, line: Line): Yaml {
    if (!text.startsWith('[') && !text.startsWith('{')) {
      if (/^[&*!|>%@`]/.test(text)) throw new Error(`line ${line.number}: not read here: ${text}`);
      return unquoted(text);
    }
    let whole = text;
    while (!isClosed(whole)) {
      const next = this.lines[this.at++];
      if (!next) throw new Error(`line ${line.number}: a bracket is not closed`);
      whole += ` ${next.text}`;
    }
    return flow(whole);
  }
}

/** The parts of a flow collection, with what is quoted or nested left whole. */
function split(inside: string): string[] {
  return (inside.match(/("[^"]*"|'(?:[^']|'')*'|\[[^\]]*\]|\{[^}]*\}|[^,])+/g) ?? [])
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function flow(text: string): Yaml {
  if (text.startsWith('[')) return split(text.slice(1, -1)).map(flow);
  if (!text.startsWith('{')) return unquoted(text);
  return Object.fromEntries(
    split(text.slice(1, -1)).map((part): [string, Yaml] => {
      const colon = part.indexOf(':');
      return [unquoted(part.slice(0, colon).trim()), flow(part.slice(colon + 1).trim())];
    }),
  );
}

const withoutQuoted = (text: string): string => text.replace(/"[^"]*"|'(?:[^']|'')*'/g, '');
const count = (text: string, letters: RegExp): number => text.match(letters)?.length ?? 0;

function isClosed(text: string): boolean {
  const bare = withoutQuoted(text);
  return count(bare, /[[{]/g) === count(bare, /[\]}]/g);
}

function withoutComment(text: string): string {
  if (text.startsWith('#')) return '';
  const found = /^((?:"[^"]*"|'(?:[^']|'')*'|[^'"#]|(?<=\S)#|(?<=\w)['"])*?)\s+#.*$/.exec(text);
  return found?.[1] ?? text;
}

function unquoted(text: string): string {
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
  if (text.startsWith('"')) return JSON.parse(text) as string;
  return text;
}
