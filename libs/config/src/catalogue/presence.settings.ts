import { integer } from '../integer.setting';

/** Who is online, and for how long after a gateway died. */
export const presenceSettings = {
  presenceLeaseMs: integer({
    meaning: 'How long the sessions of a gateway count as open without a renewal: no ghost stays longer.',
    usedBy: ['presence', 'gateway'],
    unit: 'milliseconds',
    min: 300,
    max: 600_000,
    default: 15_000,
  }),
  presenceRenewMs: integer({
    meaning: 'How often a gateway renews the lease of its sessions.',
    usedBy: ['presence', 'gateway'],
    unit: 'milliseconds',
    min: 50,
    max: 200_000,
    default: 5_000,
  }),
};
