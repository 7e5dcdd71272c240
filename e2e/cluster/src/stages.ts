import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stagesDirectory } from './layout.ts';

/** The platforms that a pod's images support, comma-separated. A pod without it runs on every node. */
export const PLATFORMS_ANNOTATION = 'testkit.archpolicy.dev/platforms';
/** `exec` (default) or `pull`: the step at which a node refuses the wrong platform. */
export const REFUSED_AT_ANNOTATION = 'testkit.archpolicy.dev/refused-at';
/** `"true"`: a node of another platform runs the pod anyway, like a node with a qemu handler. */
export const EMULATED_ANNOTATION = 'testkit.archpolicy.dev/emulated';
/** `"true"` on a node: its kubelet does not report, so the node does not become Ready again. */
export const SILENT_ANNOTATION = 'testkit.archpolicy.dev/silent';

/**
 * Returns the stages of kwok as one text. Replaces a line `# include: NAME` by `fragments/NAME.gotpl` with the
 * indentation of the line, and `${NAME}` by the jq expression `fragments/NAME.jq`, because kwok supports no includes.
 */
export async function renderStages(directory: string = stagesDirectory): Promise<string> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.yaml')).sort();
  const fragments = new Map<string, string>();
  for (const name of await readdir(join(directory, 'fragments'))) {
    fragments.set(name, (await readFile(join(directory, 'fragments', name), 'utf8')).trimEnd());
  }
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return texts.map((text) => expand(text, fragments)).join('---\n');
}

/** @throws Error if a fragment is missing, because a stage without the fragment would behave differently */
export function expand(text: string, fragments: ReadonlyMap<string, string>): string {
  const fragment = (name: string): string => {
    const found = fragments.get(name);
    if (found === undefined) throw new Error(`the stages include ${name}, which does not exist`);
    return found;
  };
  const included = text.replace(/^( *)# include: ([\w-]+)$/gm, (_, indent: string, name: string) =>
    fragment(`${name}.gotpl`).replace(/^(?=.)/gm, indent),
  );
  return included.replace(/\$\{([\w-]+)\}/g, (_, name: string) =>
    fragment(`${name}.jq`)
      .trim()
      .replace(/\s*\n\s*/g, ' ')
      .replaceAll("'", "''"),
  );
}
