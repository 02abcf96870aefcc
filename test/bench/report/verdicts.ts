import type { Target } from '../scenarios';
import { CONTENDERS } from '../scenarios';
import type { Figure, ScenarioResult } from '../throughput.bench';

/** A target and what was measured for it. */
export interface Verdict {
  scenario: string;
  title: string;
  cpuUs: number;
  peerTitle: string;
  peerUs: number;
  ratio: number;
  target: number;
  met: boolean;
}

/** Compares the medians with the targets; those whose sides were not both measured are left out. */
export function verdicts(results: readonly ScenarioResult[]): Verdict[] {
  return results.flatMap(({ scenario, figures }) =>
    scenario.targets.flatMap((target) => verdict(scenario.title, target, figures) ?? []),
  );
}

function verdict(scenario: string, target: Target, figures: Figure[]): Verdict | undefined {
  const ours = find(figures, target.of.system, target.of.lane);
  const peer = find(figures, target.peer, 'main');
  if (ours === undefined || peer === undefined) return undefined;
  const ratio = ours.cpuUs / peer.cpuUs;
  return {
    scenario,
    title: ours.contender.title,
    cpuUs: ours.cpuUs,
    peerTitle: peer.contender.title,
    peerUs: peer.cpuUs,
    ratio,
    target: target.ratio,
    met: ratio <= target.ratio,
  };
}

function find(figures: Figure[], system: string, lane: string): Figure | undefined {
  const contender = CONTENDERS.find((one) => one.system === system && one.lane === lane);
  return figures.find((figure) => figure.contender === contender);
}
