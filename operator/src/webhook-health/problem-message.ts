import type { UnreachableCause } from './probe/unreachable-cause.ts';
import type { WebhookProblem } from './webhook-status.ts';

const UNCHANGED = 'New pods are admitted unchanged.';

/** For each cause: what is wrong, what it causes, and what to check. */
const CAUSES: Readonly<Record<UnreachableCause, string>> = {
  'not-running':
    `No replica of the webhook renews its Lease: none runs, or none reaches the API server. ${UNCHANGED} ` +
    'Check the webhook’s pods.',
  'configuration-unread': 'The operator cannot read the MutatingWebhookConfiguration archpolicy: check its RBAC.',
  'not-installed': `The MutatingWebhookConfiguration archpolicy does not exist. ${UNCHANGED} Install it.`,
  'not-selected':
    'The MutatingWebhookConfiguration archpolicy does not select the namespace archpolicy-probe, so the operator cannot ' +
    'check whether the API server reaches the webhook. Change its selectors to include this namespace.',
  refused:
    `The API server’s connections to the webhook are refused. ${UNCHANGED} ` +
    'Check that the webhook’s pods are ready, its Service, and the firewalls between the control plane and the pods.',
  'timed-out':
    'The API server’s calls of the webhook time out. Each creation of a pod waits for that (timeoutSeconds of the ' +
    `webhook configuration). ${UNCHANGED} The likely cause is a firewall or a NetworkPolicy between the control plane ` +
    'and the webhook’s pods.',
  certificate:
    `The API server does not trust the webhook’s certificate, or the webhook rejects the API server’s. ${UNCHANGED} ` +
    'Check the caBundle of the webhook configuration, and the names and the expiry of the certificate.',
  'wrong-answer':
    `What answers at the webhook’s address is not a working ArchPolicy webhook. ${UNCHANGED} ` +
    'Check the Service’s selector and port, and the webhook’s log.',
  'fails-at-once':
    'The API server’s calls of the webhook fail at once: the connection is refused, or a certificate is not trusted. ' +
    `${UNCHANGED} Check the webhook’s pods, and the caBundle of the webhook configuration. The log of the API server ` +
    'contains the error (“failing open pods.archpolicy.dev”).',
  other: `The API server’s calls of the webhook fail. ${UNCHANGED}`,
};

/** Returns the sentences about a problem for conditions and events. They quote the API server, if it reported an error. */
export function describeProblem(problem: WebhookProblem): string {
  if (problem.kind === 'unreachable') return `${CAUSES[problem.cause]}${quotation(problem.words)}`;
  const status = problem.status === undefined ? '' : ` with status ${problem.status}`;
  return (
    `The API server rejects the pod with which the operator checks the webhook (a dry run in the namespace ` +
    `archpolicy-probe)${status}, so it is unknown whether the webhook is reachable.${quotation(problem.words)}`
  );
}

function quotation(words: string): string {
  return words === '' ? '' : ` The API server reports: "${words}".`;
}
