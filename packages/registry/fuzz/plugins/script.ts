import type { PluginChoice } from './axes.ts';

export const API_VERSION = 'credentialprovider.kubelet.k8s.io/v1';
const CREDENTIAL = { username: 'user', password: 'password' };
const RIGHT = {
  kind: 'CredentialProviderResponse',
  apiVersion: API_VERSION,
  cacheKeyType: 'Image',
  auth: { '*.fuzz.test': CREDENTIAL },
};
const json = (more: object = {}): string => JSON.stringify({ ...RIGHT, ...more });
const LEVELS = 50_000;
const MANY = 10_000;
/** Less than the limit of an output. */
const LONG = 200_000;

const OUTPUTS: Readonly<Record<Exclude<PluginChoice['output'], 'endless'>, string>> = {
  right: json(),
  nothing: '',
  text: 'Please log in',
  null: 'null',
  array: '[]',
  truncated: json().slice(0, -20),
  'wrong kind': json({ kind: 'CredentialProviderRequest' }),
  'wrong version': json({ apiVersion: 'v0' }),
  'no key type': json({ cacheKeyType: undefined }),
  'unknown key type': json({ cacheKeyType: 'Namespace' }),
  'wrong types': json({ auth: { '*.fuzz.test': { username: 7, password: null } } }),
  'no credentials': json({ auth: null }),
  'another host': json({ auth: { 'other.example': CREDENTIAL } }),
  'malformed hosts': json({
    auth: { '': CREDENTIAL, '***': CREDENTIAL, 'http://[': CREDENTIAL, '*.fuzz.test/%': CREDENTIAL },
  }),
  'empty password': json({ auth: { '*.fuzz.test': { username: '', password: '' } } }),
  prototype: `{"__proto__":${json()},"constructor":1}`,
  'negative duration': json({ cacheDuration: '-5m' }),
  'huge duration': json({ cacheDuration: '99999999999h' }),
  'bad duration': json({ cacheDuration: 'soon' }),
  'two documents': json() + json(),
  'byte order mark': `\uFEFF${json()}`,
  'bad UTF-8': json({ extra: '\uDC00' }),
  deep: '['.repeat(LEVELS),
  'ten thousand credentials': json({
    auth: Object.fromEntries(Array.from({ length: MANY }, (_, at) => [`${at}`, { username: '', password: '' }])),
  }),
  'long password': json({ auth: { '*.fuzz.test': { username: 'user', password: 'p'.repeat(LONG) } } }),
};

/** Returns the text that the plugin prints. An endless one is printed by the script itself. */
export function outputText(output: PluginChoice['output']): string {
  return output === 'endless' ? '' : OUTPUTS[output];
}

const EXITS: Readonly<Record<PluginChoice['exit'], string>> = {
  '0': 'exit 0',
  '1': 'exit 1',
  '255': 'exit 255',
  killed: 'kill -KILL $$',
  terminated: 'kill -TERM $$',
};
const INPUTS: Readonly<Record<PluginChoice['input'], string>> = {
  read: 'cat > /dev/null',
  unread: ':',
  closed: 'exec 0<&-',
};
const ERRORS: Readonly<Record<PluginChoice['errors'], string>> = {
  nothing: ':',
  text: 'echo failed >&2',
  much: 'head -c 400000 /dev/zero >&2',
  endless: 'cat /dev/zero >&2',
};

/** Returns the shell script of a plugin, which prints the contents of a file. */
export function pluginScript({ output, errors, exit, input, time }: PluginChoice, file: string): string {
  const print = output === 'endless' ? 'cat /dev/zero' : `cat ${file}`;
  const timed: Readonly<Record<PluginChoice['time'], string>> = {
    'at once': print,
    slowly: `head -c 20 ${file}; sleep 0.02; tail -c +21 ${file}`,
    'child keeps the output open': `${print}; sleep 0.1 &`,
    'output after the exit': `(sleep 0.05; ${print}) &`,
    never: `${print}; sleep 2 & wait`,
  };
  return ['#!/bin/sh', INPUTS[input], ERRORS[errors], timed[time], EXITS[exit], ''].join('\n');
}
