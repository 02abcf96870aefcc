interface Sample {
  name: string;
  labels: Map<string, string>;
  value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** One scrape of Prometheus's text format. */
export class MetricsText {
  private readonly samples: Sample[];

  constructor(text: string) {
    this.samples = text.split('\n').flatMap((line) => {
      const match = SAMPLE.exec(line);
      if (!match || line.startsWith('#')) return [];
      const labels = new Map(
        [...(match[2] ?? '').matchAll(LABEL)].map(([, key, value]) => [key ?? '', value ?? '']),
      );
      return [{ name: match[1] ?? '', labels, value: Number(match[3]) }];
    });
  }

  /** The sum of all samples of that name which have these labels; 0 if there is none. */
  value(name: string, labels: Record<string, string> = {}): number {
    return this.samples
      .filter((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels.get(k) === v))
      .reduce((sum, s) => sum + s.value, 0);
  }

  has(name: string): boolean {
    return this.samples.some((s) => s.name === name);
  }

  /** Every label name that any metric of that prefix has. */
  labelNames(prefix: string): Set<string> {
    return new Set(
      this.samples.filter((s) => s.name.startsWith(prefix)).flatMap((s) => [...s.labels.keys()]),
    );
  }
}
