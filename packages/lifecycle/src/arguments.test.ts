import { describe, expect, test } from '@jest/globals';
import { readCommand } from './arguments.ts';

const REMOVE = { kind: 'remove', withPolicies: false, withCrds: false, isConfirmed: false };

describe('the arguments', () => {
  test.each([
    [['check'], { kind: 'check' }],
    [['remove'], REMOVE],
    [['remove', '--yes'], { ...REMOVE, isConfirmed: true }],
    [
      ['remove', '--manifests', 'a.yaml', '--policies', '--crds'],
      { ...REMOVE, manifests: 'a.yaml', withPolicies: true, withCrds: true },
    ],
  ])('%j', (args, command) => {
    expect(readCommand(args)).toEqual(command);
  });

  test.each([
    [[], 'the first argument is remove or check'],
    [['destroy'], 'the first argument is remove or check'],
    [['check', '--yes'], 'check takes no options'],
    [['remove', 'all'], 'unexpected argument "all"'],
    [['remove', '--force'], "Unknown option '--force'"],
    [['remove', '--crds'], '--policies and --crds require --manifests'],
  ])('%j is wrong use', (args, problem) => {
    expect(() => readCommand(args)).toThrow(problem);
  });
});
