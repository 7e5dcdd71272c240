import { writeFile } from 'node:fs/promises';
import { readFaultResults, RELIABILITY_RESULTS, RELIABILITY_SOAK } from '@archpolicy/testkit';
import { PAGE } from './files.ts';
import { reliabilityPage } from './page.ts';

await writeFile(
  PAGE,
  reliabilityPage(await readFaultResults(RELIABILITY_RESULTS), await readFaultResults(RELIABILITY_SOAK)),
);
