import { SimCluster } from './sim-cluster';
it('counts', async () => {
  const found: number[] = [];
  for (let seed = 1; seed <= 200; seed++) if ((await new SimCluster(seed, 2 + (seed % 2), 'fence by primary key only').run(150)).violations.length > 0) found.push(seed);
  console.log('FOUND', found.length, found.slice(0, 10));
}, 120_000);
