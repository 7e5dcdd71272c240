/**
 * Passes mutated references and manifests to their parsers, and prints the slowest calls as JSON. A program of its own,
 * because it would delay everything else in its process. Arguments: the number of inputs in all, and a seed.
 */
import { feedManifests, feedReferences } from '../../bench/mutations/feed.ts';

const [count = 0, seed = 0] = process.argv.slice(2).map(Number);
const referenceMs = feedReferences(Math.ceil(count / 4), seed);
const manifestMs = feedManifests(Math.ceil((3 * count) / 4), seed);
process.stdout.write(JSON.stringify({ referenceMs, manifestMs }));
