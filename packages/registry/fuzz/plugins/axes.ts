import { defineAxes } from '@archpolicy/testkit/fuzz';
import type { Choice } from '@archpolicy/testkit/fuzz';

/** What a run of a credential plugin varies in. */
export const PLUGIN_AXES = defineAxes({
  output: [
    'right',
    'nothing',
    'text',
    'null',
    'array',
    'truncated',
    'wrong kind',
    'wrong version',
    'no key type',
    'unknown key type',
    'wrong types',
    'no credentials',
    'another host',
    'malformed hosts',
    'empty password',
    'prototype',
    'negative duration',
    'huge duration',
    'bad duration',
    'two documents',
    'byte order mark',
    'bad UTF-8',
    'deep',
    'ten thousand credentials',
    'long password',
    'endless',
  ],
  errors: ['nothing', 'text', 'much', 'endless'],
  exit: ['0', '1', '255', 'killed', 'terminated'],
  input: ['read', 'unread', 'closed'],
  time: ['at once', 'slowly', 'child keeps the output open', 'output after the exit', 'never'],
  program: ['script', 'missing', 'not executable', 'no interpreter', 'empty', 'directory', 'binary'],
});

export type PluginAxes = typeof PLUGIN_AXES;
export type PluginChoice = Choice<PluginAxes>;
