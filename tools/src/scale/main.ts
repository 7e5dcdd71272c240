/** `make scale`: prints the tables of docs/scale.md. */
import { scaleTables } from './tables.ts';

process.stdout.write(`${scaleTables().join('\n\n')}\n`);
