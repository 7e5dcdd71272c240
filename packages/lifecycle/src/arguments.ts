import { parseArgs } from 'node:util';
import { ConfigError } from '@archpolicy/service';

/** What the arguments ask for. */
export type Command = { readonly kind: 'check' } | RemoveCommand;

export interface RemoveCommand {
  readonly kind: 'remove';
  /** The file with the rendered manifests; absent: only the webhook configuration and the gates are removed. */
  readonly manifests?: string;
  readonly withPolicies: boolean;
  readonly withCrds: boolean;
  /** Whether to remove without a question. */
  readonly isConfirmed: boolean;
}

const EXAMPLE = 'remove --manifests all.yaml';

/** @throws ConfigError with one line that states what is wrong */
export function readCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  const [word, ...rest] = positionals;
  if (rest.length > 0) throw invalid(`unexpected argument ${JSON.stringify(rest[0])}`);
  if (word === 'check') {
    if (Object.keys(values).length > 0) throw invalid('check takes no options');
    return { kind: 'check' };
  }
  if (word !== 'remove') throw invalid('the first argument is remove or check');
  const { manifests, policies = false, crds = false, yes = false } = values;
  if (manifests === undefined && (policies || crds)) throw invalid('--policies and --crds require --manifests');
  return {
    kind: 'remove',
    ...(manifests !== undefined && { manifests }),
    ...{ withPolicies: policies, withCrds: crds, isConfirmed: yes },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        manifests: { type: 'string' },
        policies: { type: 'boolean' },
        crds: { type: 'boolean' },
        yes: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

function invalid(problem: string): ConfigError {
  return new ConfigError('arguments', problem, EXAMPLE);
}
