import { fleetNeeds } from './fleet-model.ts';
import type { Fleet } from './fleet-model.ts';
import { eventLoad, operatorNeeds } from './operator-model.ts';
import type { ClusterSize } from './operator-model.ts';

const SIZES: readonly ClusterSize[] = [
  { nodes: 2_000, pods: 100_000, distinctImages: 5_000 },
  { nodes: 5_000, pods: 150_000, distinctImages: 7_500 },
];
const LARGE: ClusterSize = { nodes: 5_000, pods: 150_000, distinctImages: 7_500 };
const EVENT_RATES = [100, 500, 1_000, 1_500, 1_700];
const FLEETS: readonly Fleet[] = [
  { clusters: 100, tagsPerCluster: 1_000, distinctTags: 5_000, ownCredentials: false },
  { clusters: 1_000, tagsPerCluster: 1_000, distinctTags: 20_000, ownCredentials: false },
  { clusters: 1_000, tagsPerCluster: 5_000, distinctTags: 50_000, ownCredentials: false },
  { clusters: 1_000, tagsPerCluster: 1_000, distinctTags: 20_000, ownCredentials: true },
];

/** The tables of docs/scale.md. */
export function scaleTables(): readonly string[] {
  return [sizeTable(), eventTable(), fleetTable()];
}

function sizeTable(): string {
  const rows = SIZES.map((size) => {
    const needs = operatorNeeds(size);
    return [
      `${count(size.pods)} pods, ${count(size.nodes)} nodes, ${count(size.distinctImages)} images`,
      `${count(needs.memoryMib)} MiB`,
      `${count(needs.listSeconds)} s`,
      `${count(needs.listMegabytes)} MB`,
      `${count(needs.firstReadMinutes)} min`,
      `${count(needs.evictOnePercentMinutes)} min`,
    ];
  });
  const head = ['cluster', 'memory', 'list, CPU', 'list, bytes', 'all images read once', '1 % of the pods evicted'];
  return table(head, rows);
}

function eventTable(): string {
  const rows = EVENT_RATES.map((rate) => {
    const { busyPercent, p99Ms, maxMs } = eventLoad(LARGE, rate);
    return [`${count(rate)}/s`, `${count(busyPercent)} %`, `${short(p99Ms)} ms`, `${short(maxMs)} ms`];
  });
  return table(['events of pods', 'of a core', 'waiting, p99', 'waiting, longest'], rows);
}

function fleetTable(): string {
  const rows = FLEETS.map((fleet) => {
    const needs = fleetNeeds(fleet);
    const credentials = fleet.ownCredentials ? 'each its own credentials' : 'shared or no credentials';
    return [
      `${count(fleet.clusters)} × ${count(fleet.tagsPerCluster)} of ${count(fleet.distinctTags)} tags, ${credentials}`,
      count(needs.connections),
      `${count(needs.commandsPerSecond)}/s`,
      `${count(needs.memoryMib)} MiB`,
      `${count(needs.headsPerSecond)}/s`,
      count(needs.registriesNeeded),
    ];
  });
  const head = ['fleet', 'connections', 'commands', 'memory of Redis', 'HEADs, all registries', 'registries for that'];
  return table(head, rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function short(value: number): string {
  return String(Number(value.toPrecision(2)));
}
