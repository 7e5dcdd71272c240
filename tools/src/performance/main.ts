import { writeFile } from 'node:fs/promises';
import { PAGE, readResults } from './files.ts';
import { performancePage } from './page.ts';

await writeFile(PAGE, performancePage(await readResults()));
