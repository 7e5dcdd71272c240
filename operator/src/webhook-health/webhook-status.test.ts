import { describe, expect, test } from '@jest/globals';
import { afterProbe, NOT_PROBED } from './probe/probe-state.ts';
import type { ProbeState } from './probe/probe-state.ts';
import type { ProbeVerdict } from './probe/probe-verdict.ts';
import { UNREACHABLE_CAUSES } from './probe/unreachable-cause.ts';
import { describeProblem } from './problem-message.ts';
import { findWebhookStatus, isSameStatus } from './webhook-status.ts';
import type { StatusInput, WebhookStatus } from './webhook-status.ts';

const ANSWERED: ProbeVerdict = { kind: 'answered' };
const SILENT: ProbeVerdict = { kind: 'silent', durationMs: 2_000 };
const REFUSED: ProbeVerdict = { kind: 'refused', status: 403, words: 'exceeded quota' };
const BUSY: ProbeVerdict = { kind: 'no-verdict', status: 429, words: 'busy', retryAfterMs: 0 };

/** The state after these probes, the first at time 0 and one each second. */
const probed = (...verdicts: readonly ProbeVerdict[]): ProbeState =>
  verdicts.reduce<ProbeState>((state, verdict, index) => afterProbe(state, verdict, index * 1_000), NOT_PROBED);

const diagnosed: Partial<ProbeState> = { diagnosis: { cause: 'certificate', words: 'x509: expired' } };

function input(changes: Partial<StatusInput> = {}): StatusInput {
  return {
    ...{ call: 'called', unread: undefined, isLeaseFresh: true, probes: probed(ANSWERED), nowMs: 5_000, ...changes },
  };
}

describe('the status of the webhook', () => {
  test.each<[string, Partial<StatusInput>, string]>([
    ['probed with success', {}, 'reachable'],
    ['not probed yet', { probes: NOT_PROBED }, 'unknown'],
    ['configuration not read yet', { call: undefined }, 'unknown'],
    ['configuration that cannot be read', { call: undefined, unread: 'status 403' }, 'configuration-unread'],
    ['configuration that does not exist', { call: 'not-installed', isLeaseFresh: false }, 'not-installed'],
    ['stale Lease', { isLeaseFresh: false }, 'not-running'],
    ['silent, cause pending', { probes: probed(SILENT) }, 'unknown'],
    ['silent, with its cause', { probes: { ...probed(SILENT), ...diagnosed } }, 'certificate'],
    ['silent, because the probe is not selected', { call: 'not-called', probes: probed(SILENT) }, 'not-selected'],
    ['silent, with conditions that are not supported', { call: 'unknown', probes: probed(SILENT) }, 'unknown'],
    ['probe rejected', { probes: probed(REFUSED) }, 'probe-refused'],
    ['probe rejected, although the webhook answered before', { probes: probed(ANSWERED, REFUSED) }, 'probe-refused'],
    ['no verdict for a short time', { probes: probed(ANSWERED, BUSY) }, 'unknown'],
    ['no verdict for a minute', { probes: probed(ANSWERED, BUSY, BUSY), nowMs: 61_000 }, 'probe-refused'],
    ['a verdict after none', { probes: probed(BUSY, ANSWERED), nowMs: 90_000 }, 'reachable'],
  ])('R3 %s', (_, changes, expected) => {
    const status = findWebhookStatus(input(changes));
    expect(status.kind === 'unreachable' ? status.cause : status.kind).toBe(expected);
  });

  test('R3 messages that differ only in numbers are one status, so that conditions and logs do not change', () => {
    const refused = (words: string, status = 403): WebhookStatus => ({ kind: 'probe-refused', status, words });
    expect(isSameStatus(refused('used: pods=1'), refused('used: pods=2'))).toBe(true);
    expect(isSameStatus(refused('quota'), refused('policy'))).toBe(false);
    expect(isSameStatus(refused('quota'), refused('quota', 422))).toBe(false);
    expect(isSameStatus(refused('quota'), { kind: 'reachable' })).toBe(false);
  });

  test('R3 each message with the longest quotation fits into an event', () => {
    const words = 'x'.repeat(301);
    const problems = [
      ...UNREACHABLE_CAUSES.map((cause) => ({ kind: 'unreachable', cause, words }) as const),
      { kind: 'probe-refused', status: 403, words } as const,
    ];
    for (const problem of problems) expect(Buffer.byteLength(describeProblem(problem))).toBeLessThan(1_024);
  });

  test('R3 delays between probes grow, follow Retry-After, and end with a success', () => {
    const delay = (...verdicts: readonly ProbeVerdict[]): number =>
      probed(...verdicts).nextAtMs - (verdicts.length - 1) * 1_000;
    expect(delay(ANSWERED)).toBe(60_000);
    expect([delay(SILENT), delay(SILENT, SILENT), delay(SILENT, REFUSED, BUSY)]).toEqual([1_000, 2_000, 4_000]);
    expect(delay(SILENT, SILENT, SILENT, SILENT, SILENT)).toBe(5_000);
    expect(delay({ kind: 'no-verdict', status: 429, words: '', retryAfterMs: 9_000 })).toBe(9_000);
    expect(delay({ kind: 'no-verdict', status: 429, words: '', retryAfterMs: 900_000 })).toBe(30_000);
    expect(delay(SILENT, ANSWERED)).toBe(60_000);
  });
});
