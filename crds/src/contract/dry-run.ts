import type { Json, JsonObject } from '@archpolicy/core';

/** Runs kubectl against the API server under test. */
export type Kubectl = (
  args: readonly string[],
  stdin?: string,
) => Promise<{ readonly stdout: string; readonly stderr: string; readonly status: number }>;

/** What the API server makes of an ArchPolicy. */
export type ServerAnswer =
  { readonly kind: 'stored'; readonly object: JsonObject } | { readonly kind: 'refused'; readonly message: string };

/** The object that a specification is tried as. */
export function policyOf(name: string, spec: Json): JsonObject {
  return { apiVersion: 'archpolicy.dev/v1alpha1', kind: 'ArchPolicy', metadata: { name }, spec };
}

const NAME = /"(case-\d+)" is invalid/;

/**
 * Creates an ArchPolicy of each specification with dryRun=All, by one kubectl, and gives the API server's answers in
 * the same order. Defaults are filled in and unknown fields dropped as if they were stored.
 */
export async function dryRunCreate(kubectl: Kubectl, specs: readonly Json[]): Promise<readonly ServerAnswer[]> {
  const items = specs.map((spec, index) => policyOf(`case-${index}`, spec));
  const { stdout, stderr } = await kubectl(
    ['create', '--dry-run=server', '--validate=ignore', '--output=jsonpath={@}{"\\n"}', '--filename=-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  );
  const answers = new Map<string, ServerAnswer>();
  for (const line of stdout.split('\n').filter((text) => text !== '')) {
    const object = JSON.parse(line) as { readonly metadata: { readonly name: string } } & JsonObject;
    answers.set(object.metadata.name, { kind: 'stored', object });
  }
  for (const message of stderr.split(/^(?=The ArchPolicy |Error from server)/m)) {
    const name = NAME.exec(message)?.[1];
    if (name !== undefined) answers.set(name, { kind: 'refused', message });
  }
  return specs.map((_, index) => {
    const answer = answers.get(`case-${index}`);
    if (answer === undefined) throw new Error(`no answer about case-${index}: ${stderr}`);
    return answer;
  });
}
