import { listUnits } from '../components/catalogue.ts';
import { componentNames } from '../component/component.ts';
import { clusterLayout } from '../layout.ts';
import { ControlClient } from '../supervisor/control-client.ts';
import type { ClusterStatus } from '../supervisor/protocol.ts';

/** Returns a table of the components for users, and whether all of them run. */
export async function status(directory: string): Promise<{ readonly text: string; readonly isRunning: boolean }> {
  const layout = clusterLayout(directory);
  const client = await ControlClient.connect(layout);
  if (client === undefined) return { text: `no cluster runs in ${layout.root}`, isRunning: false };
  try {
    return describe(await client.status());
  } finally {
    await client.close();
  }
}

/** Formats the table of components. */
export function describe({ components, target }: ClusterStatus): {
  readonly text: string;
  readonly isRunning: boolean;
} {
  const wanted = new Set<string>(target === null ? [] : listUnits(target).map(({ name }) => name));
  const byName = new Map(components.map((component) => [component.name, component]));
  const names = componentNames.filter((name) => wanted.has(name) || byName.has(name));
  const rows = names.map((name) => {
    const found = byName.get(name);
    if (found === undefined) return [name, '-', '-', 'not started'];
    const state = found.exit === undefined ? `running since ${found.since}` : `ended: ${found.exit}`;
    return [name, String(found.pid ?? '-'), found.ports.join(',') || '-', state];
  });
  const isRunning = target !== null && names.every((name) => byName.get(name)?.exit === undefined && byName.has(name));
  return { text: table([['COMPONENT', 'PID', 'PORTS', 'STATE'], ...rows]), isRunning };
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}
