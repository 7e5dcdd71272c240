import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stagesDirectory } from './layout.ts';

/** What a pod's images support, as a list of platforms: without it the pod runs everywhere. */
export const PLATFORMS_ANNOTATION = 'testkit.archpolicy.dev/platforms';
/** `exec` (default) or `pull`: where the node notices that the platform is wrong. */
export const REFUSED_AT_ANNOTATION = 'testkit.archpolicy.dev/refused-at';
/** `"true"`: the node runs it all the same, as one with a qemu handler does. */
export const EMULATED_ANNOTATION = 'testkit.archpolicy.dev/emulated';
/** `"true"` on a node: its kubelet is silent, so that nothing makes it Ready again. */
export const SILENT_ANNOTATION = 'testkit.archpolicy.dev/silent';

/**
 * The stages of kwok, one text. A line `# include: NAME` is replaced by `fragments/NAME.gotpl` at its own indentation,
 * and `${NAME}` by the jq expression of that name: kwok has neither.
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

/** @throws Error when a fragment is missing: a stage without it would silently do something else */
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
