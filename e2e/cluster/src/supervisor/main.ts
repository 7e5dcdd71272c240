import { listUnits } from '../components/catalogue.ts';
import { removeDirectory } from '../directory.ts';
import { errorMessage } from '../errors.ts';
import { clusterLayout } from '../layout.ts';
import { REMOVE_WHEN_ABANDONED } from './launch.ts';
import { runSupervisor } from './run-supervisor.ts';

/** The supervisor's process: `main.ts DIRECTORY [--remove-when-abandoned]`. */
const [directory = '', flag] = process.argv.slice(2);
const layout = clusterLayout(directory);

runSupervisor({ layout, listUnits, environment: process.env })
  .then(async (end) => {
    if (end === 'abandoned' && flag === REMOVE_WHEN_ABANDONED) await removeDirectory(layout);
    process.exit(0);
  })
  .catch((error: unknown) => {
    process.stderr.write(`the supervisor failed: ${errorMessage(error)}\n`);
    // When this process exits, the kernel kills the components.
    process.exit(1);
  });
