import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readWebhookConfig, variables } from './config.ts';

const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');

/** Variable and default of a row of the table in "Seams"; the default is undefined where the cell is no code. */
const ROW =
  /^\| `(?<name>ARCHPOLICY_\w+|\w+_PROXY)` \| (?:all|both|webhook) \| .* \| (?:`(?<fallback>[^`]+)`|.*) \|$/gmu;

test('docs/architecture.md lists exactly the variables of the webhook, with their defaults', () => {
  const documented = [...page.matchAll(ROW)].map(({ groups }) => [groups?.['name'], groups?.['fallback']]);
  const read = Object.values(variables).map((row) => [row.name, 'default' in row ? row.default : undefined]);
  expect(documented.sort()).toEqual(read.sort());
});

describe('the network of the node', () => {
  test.each([
    ['ARCHPOLICY_WEBHOOK_ADDRESS', ':10250'],
    ['ARCHPOLICY_WEBHOOK_ADDRESS', '10.0.0.7:10250'],
    ['ARCHPOLICY_METRICS_ADDRESS', ':10250'],
    ['ARCHPOLICY_PROBES_ADDRESS', ':10250'],
  ])('P2 %s=%s is rejected there with the reason, and accepted in a network of the pod', (name, address) => {
    expect(() => readWebhookConfig({ [name]: address, ARCHPOLICY_HOST_NETWORK: 'true' })).toThrow(
      `${name}: port 10250 is the kubelet's in the network of the node (ARCHPOLICY_HOST_NETWORK=true); example: ${name}=:10260`,
    );
    expect(readWebhookConfig({ [name]: address, ARCHPOLICY_HOST_NETWORK: 'false' }).hostNetwork).toBe('false');
    expect(readWebhookConfig({ [name]: address }).hostNetwork).toBe('false');
  });

  test('P2 other ports are accepted', () => {
    const config = readWebhookConfig({ ARCHPOLICY_WEBHOOK_ADDRESS: ':10260', ARCHPOLICY_HOST_NETWORK: 'true' });
    expect(config.webhookAddress).toEqual({ host: '', port: 10_260 });
  });

  test.each(['yes', '1', 'True'])('ARCHPOLICY_HOST_NETWORK=%s is rejected', (value) => {
    expect(() => readWebhookConfig({ ARCHPOLICY_HOST_NETWORK: value })).toThrow(/is none of true, false/u);
  });
});
