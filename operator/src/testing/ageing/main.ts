import { runMain, systemClock } from '@archpolicy/service';
import { runOperator } from '../../app.ts';
import { variables } from '../../config.ts';
import { NAME, VERSION } from '../../identity.ts';
import { AgeingClock } from './ageing-clock.ts';

/**
 * The operator for a test that cannot wait: at each SIGUSR2 ten minutes pass for its work as a leader. Its Lease, its
 * views and its connections live on in the time of the cluster.
 */
const TEN_MINUTES_MS = 10 * 60_000;

const leaderClock = new AgeingClock(systemClock());
process.on('SIGUSR2', () => {
  leaderClock.pass(TEN_MINUTES_MS);
});

await runMain(process, {
  name: NAME,
  version: VERSION,
  help: 'The operator, for a test.',
  variables,
  run: (context) => runOperator(context, leaderClock),
});
