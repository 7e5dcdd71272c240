/** `make bench-webhook [PARTS=warm,cold] [RUNS=1]`: measures admission; each part writes docs/performance/webhook-*.json. */
import { cold } from './cold.ts';
import { creators } from './creators.ts';
import { decision } from './decision.ts';
import { mixed } from './mixed.ts';
import { neighbour } from './neighbour.ts';
import { print } from './print.ts';
import { warm } from './warm.ts';

const PARTS: Readonly<Record<string, (runs: number) => Promise<void>>> = {
  decision,
  warm,
  mixed,
  neighbour,
  creators,
  cold,
};

const [parts = '', runs = '5'] = process.argv.slice(2);
const requested = parts.split(',').filter((name) => name !== '');
for (const name of requested.length > 0 ? requested : Object.keys(PARTS)) {
  const part = PARTS[name];
  if (part === undefined) throw new Error(`there is no part ${name}, only ${Object.keys(PARTS).join(', ')}`);
  print(`${name}:`);
  await part(Number(runs));
}
