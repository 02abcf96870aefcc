import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseSettings, renderEnvExample } from '@troupe/config';
import { createMetrics } from '@troupe/observability';
import { readYaml, type Yaml } from './yaml.reader';

// No container engine takes part: what is checked is that the files mean what they should, not that they run.
const root = join(__dirname, '..', '..');
const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const yaml = (path: string): Yaml[] => readYaml(text(path));

/** Everything that a document has under `key`, at any depth. */
function all(value: Yaml, key: string): Yaml[] {
  if (typeof value === 'string') return [];
  if (Array.isArray(value)) return value.flatMap((item) => all(item, key));
  return Object.entries(value).flatMap(([k, v]) => [...(k === key ? [v] : []), ...all(v, key)]);
}

/** What lies at a path of keys; throws where there is nothing. */
function at(value: Yaml, ...path: string[]): Yaml {
  let here: Yaml | undefined = value;
  for (const key of path) {
    here = typeof here === 'object' ? (here as { [key: string]: Yaml })[key] : undefined;
    if (here === undefined) throw new Error(`nothing at ${path.join('.')}`);
  }
  return here;
}
const map = (value: Yaml, ...path: string[]): { [key: string]: Yaml } => {
  const found = at(value, ...path);
  if (typeof found === 'string' || Array.isArray(found)) throw new Error(`no mapping at ${path.join('.')}`);
  return found;
};
const list = (value: Yaml, ...path: string[]): Yaml[] => {
  const found = at(value, ...path);
  if (!Array.isArray(found)) throw new Error(`no list at ${path.join('.')}`);
  return found;
};

const settings = new Set([...renderEnvExample().matchAll(/^#([A-Z0-9_]+)=/gm)].map(([, name]) => name));
const compose = yaml('docker-compose.yml')[0] ?? '';
const OURS = ['gateway', 'room-actor', 'presence'] as const;
const manifests = readdirSync(join(root, 'deploy/k8s')).flatMap((file) => yaml(`deploy/k8s/${file}`));
const ofKind = (...kinds: string[]): Yaml[] => manifests.filter((m) => kinds.includes(String(at(m, 'kind'))));

/** The URLs are said apart, because they have to be legal but hold what only the environment knows. */
function runs(env: { [key: string]: Yaml }): void {
  const values = Object.entries(env).map(([name, value]): [string, string] => [
    name,
    String(value).replace(/\$\{\w+:-(\w+)\}/g, '$1'),
  ]);
  expect(parseSettings(Object.fromEntries(values)).warnings).toEqual([]);
  for (const [name] of values) expect(settings).toContain(name);
}

describe('docker-compose.yml', () => {
  it('has two of each service, and everything that they need', () => {
    for (const name of OURS) expect(at(compose, 'services', name, 'deploy', 'replicas')).toBe('2');
    expect(Object.keys(map(compose, 'services')).sort()).toEqual(
      [...OURS, 'db-setup', 'nats', 'postgres', 'prometheus', 'redis'].sort(),
    );
  });

  it.each([...OURS, 'db-setup'])('gives %s settings that exist, with values that are legal', (name) => {
    runs(map(compose, 'services', name, 'environment'));
  });

  it.each([...OURS, 'db-setup'])('takes every right from %s that it does not need', (name) => {
    const service = map(compose, 'services', name);
    expect(service).toMatchObject({
      read_only: 'true',
      tmpfs: ['/tmp'],
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
  });

  it.each(OURS)('asks %s whether it is ready, and lets it stop in its own time', (name) => {
    const service = map(compose, 'services', name);
    expect(list(service, 'healthcheck', 'test').join(' ')).toContain('/readyz');
    expect(parseInt(String(service['stop_grace_period']), 10) * 1_000).toBeGreaterThan(
      parseSettings({}).shutdownTimeoutMs,
    );
  });

  it('starts each service only when the schema is there and what it needs answers', () => {
    for (const name of ['gateway', 'room-actor']) {
      expect(at(compose, 'services', name, 'depends_on', 'db-setup', 'condition')).toBe(
        'service_completed_successfully',
      );
    }
    for (const name of OURS) {
      for (const needed of Object.keys(map(compose, 'services', name, 'depends_on'))) {
        if (needed !== 'db-setup') expect(map(compose, 'services', needed)).toHaveProperty('healthcheck');
      }
    }
  });

  it('listens for the outside on this machine only', () => {
    for (const port of all(compose, 'ports').flat()) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('uses a NATS of a version without the known holes, and no image of an unnamed version', () => {
    const images = all(compose, 'image').map(String);
    const [, minor = 0, patch = 0] = (/^nats:2\.(\d+)\.(\d+)/.exec(images.join('\n')) ?? []).map(Number);
    expect(minor * 1_000 + patch).toBeGreaterThanOrEqual(11_015);
    for (const image of images) if (image !== 'troupe') expect(image).toMatch(/:v?\d/);
  });
});

describe('the Kubernetes manifests', () => {
  const workloads = ofKind('Deployment', 'Job');
  const pod = (workload: Yaml): { [key: string]: Yaml } => map(workload, 'spec', 'template', 'spec');
  const container = (workload: Yaml): Yaml => list(pod(workload), 'containers')[0] ?? '';
  const nameOf = (manifest: Yaml): string => String(at(manifest, 'metadata', 'name'));

  it('are what the kustomization lists', () => {
    const files = readdirSync(join(root, 'deploy/k8s')).filter((file) => file !== 'kustomization.yaml');
    const kustomization = manifests.find((m) => at(m, 'kind') === 'Kustomization') ?? '';
    expect(list(kustomization, 'resources').map(String).sort()).toEqual(files.sort());
  });

  it('run every service, and set the database up', () => {
    expect(workloads.map(nameOf).sort()).toEqual([...OURS, 'db-setup'].sort());
  });

  it('are admitted under the restricted pod security standard', () => {
    expect(at(ofKind('Namespace')[0] ?? '', 'metadata', 'labels', 'pod-security.kubernetes.io/enforce')).toBe(
      'restricted',
    );
    for (const workload of workloads) {
      expect(at(pod(workload), 'securityContext')).toMatchObject({
        runAsNonRoot: 'true',
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(at(container(workload), 'securityContext')).toEqual({
        allowPrivilegeEscalation: 'false',
        readOnlyRootFilesystem: 'true',
        capabilities: { drop: ['ALL'] },
      });
      expect(at(pod(workload), 'automountServiceAccountToken')).toBe('false');
    }
  });

  it('set only variables that are settings, to values that are legal', () => {
    const config = map(ofKind('ConfigMap')[0] ?? '', 'data');
    runs(config);
    for (const workload of workloads) {
      for (const variable of list(container(workload), 'env')) {
        expect(settings).toContain(at(variable, 'name'));
        expect(at(variable, 'valueFrom', 'secretKeyRef', 'key')).toBe(at(variable, 'name'));
      }
    }
  });

  it('probe life without looking at dependencies, and readiness with them', () => {
    for (const workload of ofKind('Deployment')) {
      expect(at(container(workload), 'livenessProbe', 'httpGet', 'path')).toBe('/healthz');
      expect(at(container(workload), 'startupProbe', 'httpGet', 'path')).toBe('/healthz');
      expect(at(container(workload), 'readinessProbe', 'httpGet', 'path')).toBe('/readyz');
    }
  });

  it('leave a pod time for its preStop and its shutdown', () => {
    for (const workload of ofKind('Deployment')) {
      const [, seconds] = list(container(workload), 'lifecycle', 'preStop', 'exec', 'command').map(Number);
      const grace = Number(at(pod(workload), 'terminationGracePeriodSeconds'));
      expect(grace * 1_000).toBeGreaterThan((seconds ?? NaN) * 1_000 + parseSettings({}).shutdownTimeoutMs);
    }
  });

  it('spread the pods, and keep disruptions from taking more than one at a time', () => {
    const budgets = ofKind('PodDisruptionBudget');
    expect(budgets.map(nameOf).sort()).toEqual([...OURS].sort());
    for (const budget of budgets) expect(at(budget, 'spec', 'maxUnavailable')).toBe('1');
    for (const deployment of ofKind('Deployment')) {
      expect(list(pod(deployment), 'topologySpreadConstraints')).toHaveLength(2);
    }
  });

  it('select by labels that the pods have', () => {
    const labels = ofKind('Deployment').map((d) => map(d, 'spec', 'template', 'metadata', 'labels'));
    const selectors = [
      ...ofKind('Service').map((s) => map(s, 'spec', 'selector')),
      ...ofKind('Deployment', 'PodDisruptionBudget').map((s) => map(s, 'spec', 'selector', 'matchLabels')),
      ...ofKind('NetworkPolicy').map((s) => map(s, 'spec', 'podSelector', 'matchLabels')),
    ];
    for (const selector of selectors) expect(labels).toContainEqual(expect.objectContaining(selector));
  });
});

describe('the image', () => {
  const dockerfile = text('deploy/docker/Dockerfile');
  const stages = dockerfile.split(/^FROM /m).slice(1);

  it('is built in one stage and runs from another, both of the same Node, as nobody special', () => {
    expect(stages.map((stage) => stage.split(/\s/)[0])).toEqual(Array(2).fill('node:24-bookworm-slim'));
    expect(stages[1]).toMatch(/^USER 1000:1000$/m);
  });

  it('holds every program that compose and Kubernetes start', () => {
    const programs = [...JSON.stringify([compose, manifests]).matchAll(/"(dist\/[^"]+)\.js"/g)];
    expect(programs.length).toBeGreaterThanOrEqual(8);
    for (const [, program] of programs) {
      expect(() => text(`${String(program).replace(/^dist\//, '')}.ts`)).not.toThrow();
    }
  });

  it('takes the SQL and Lua files along, where the programs look for them', () => {
    for (const folder of ['libs/adapters-postgres/src', 'libs/adapters-redis/lua']) {
      expect(stages[1]).toContain(`COPY --from=build /app/${folder} ./${folder}`);
      expect(readdirSync(join(root, folder)).length).toBeGreaterThan(0);
    }
  });
});

describe('Prometheus', () => {
  const rules = all(yaml('deploy/prometheus/rules.yml')[0] ?? '', 'rules').flatMap(
    (group) => group as Yaml[],
  );

  it('has rules on metrics that exist', async () => {
    const known = new Set(
      [...(await createMetrics({ service: 'test' }).text()).matchAll(/^# TYPE (\S+)/gm)].map(
        ([, name]) => name,
      ),
    );
    const used = rules.flatMap(
      (rule) => String(at(rule, 'expr')).match(/\b(troupe|nodejs|process)_\w+/g) ?? [],
    );
    expect(used.length).toBeGreaterThanOrEqual(rules.length);
    for (const name of used) expect(known).toContain(name.replace(/_(bucket|sum|count)$/, ''));
  });

  it('has an entry in the runbook for every alert', () => {
    const runbook = text('docs/operations.md');
    expect(rules.length).toBeGreaterThan(0);
    for (const rule of rules) expect(runbook).toContain(`### ${String(at(rule, 'alert'))}`);
  });

  it('scrapes each service on the port where it serves metrics', () => {
    const jobs = list(yaml('deploy/prometheus/prometheus.yml')[0] ?? '', 'scrape_configs');
    const ports = jobs.map((job) => [at(job, 'job_name'), at(list(job, 'dns_sd_configs')[0] ?? '', 'port')]);
    expect(ports).toEqual([
      ['gateway', '3000'],
      ['room-actor', '3001'],
      ['presence', '3002'],
    ]);
  });
});

describe('the reader of YAML', () => {
  it('keeps quoted text whole, and reads lists at the indentation of their key', () => {
    expect(
      readYaml("a:\n- 'x: # y'\n- b: [1, '2, 3']\n  c: {d: e}\nf: >-\n  g\n  h\n---\ni: j # k\n"),
    ).toEqual([{ a: ['x: # y', { b: ['1', '2, 3'], c: { d: 'e' } }], f: 'g h' }, { i: 'j' }]);
  });

  it.each([
    'a: &b c',
    'a: *b',
    'a: !tag b',
    'a: 1\na: 2',
    'a:\n\tb: c',
    'a: [1',
    'a: 1\n  b: 2',
    'just text',
  ])('refuses %j', (source) => {
    expect(() => readYaml(source)).toThrow();
  });
});
