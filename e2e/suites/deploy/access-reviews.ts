import type { JsonObject } from '@archpolicy/core';
import { GROUPS } from './rights.ts';

/** A rule of a SelfSubjectRulesReview. */
export interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Returns the pairs of resource and verb that a rule allows. */
export function expandRule({
  verbs,
  apiGroups,
  resources,
  resourceNames = [''],
}: Rule): [resource: string, verb: string][] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      resourceNames.flatMap((name) =>
        verbs.map((verb): [string, string] => [
          `${resource}${group === '' ? '' : `.${group}`}${name === '' ? '' : `:${name}`}`,
          verb,
        ]),
      ),
    ),
  );
}

/** Parses `VERB RESOURCE[/NAME] [--subresource=S] [-n NAMESPACE]` to the attributes of an access review. */
export function parseQuestion(question: string): JsonObject {
  const [, verb = '', resource = '', name = '', subresource = '', namespace = 'default'] =
    /^(\w+) (\w+)(?:\/(\S+))?(?: --subresource=(\w+))?(?: -n (\S+))?$/u.exec(question) ?? [];
  if (verb === '') throw new Error(`not a question: ${question}`);
  const group = GROUPS[resource] ?? '';
  return { resourceAttributes: { verb, group, version: '*', resource, name, subresource, namespace } };
}
