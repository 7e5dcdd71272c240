import { writeFile } from 'node:fs/promises';
import { renderCrd } from './crd.ts';

await writeFile(new URL('../archpolicies.yaml', import.meta.url), renderCrd());
