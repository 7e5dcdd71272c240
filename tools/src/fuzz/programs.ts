/** A fuzzer: a program and its argument. */
export interface FuzzProgram {
  readonly main: string;
  readonly target: string;
}

const REGISTRY = 'packages/registry/fuzz/main.ts';

export const PROGRAMS: readonly FuzzProgram[] = [
  { main: REGISTRY, target: 'http' },
  { main: REGISTRY, target: 'redis' },
  { main: REGISTRY, target: 'plugins' },
  { main: 'packages/kube/fuzz/main.ts', target: 'api-server' },
  { main: 'webhook/fuzz/main.ts', target: 'webhook' },
  { main: 'operator/fuzz/main.ts', target: 'operator' },
];

/**
 * Selects programs by their targets, such as `http,redis`. An empty text selects all.
 * @throws Error if a target does not exist
 */
export function selectPrograms(programs: readonly FuzzProgram[], targets: string): readonly FuzzProgram[] {
  if (targets === '') return programs;
  return targets.split(',').map((name) => {
    const program = programs.find(({ target }) => target === name);
    if (program === undefined) throw new Error(`expected some of: ${programs.map(({ target }) => target).join(', ')}`);
    return program;
  });
}
