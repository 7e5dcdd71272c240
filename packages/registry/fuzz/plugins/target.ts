import { Socket } from 'node:net';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createManualClock } from '../../src/fixtures/clocks.ts';
import type { CountedClass, FuzzCase, FuzzTarget } from '@archpolicy/testkit/fuzz';
import { systemClock, startTimer } from '@archpolicy/async';
import { PluginCredentials } from '../../src/auth/plugins/plugin-credentials.ts';
import { fixedRegistries } from '../../src/config/registries-file.ts';
import { parseRegistries, Registries } from '../../src/config/registries.ts';
import { NO_LOGGER } from '../../src/logger.ts';
import { PLUGIN_AXES } from './axes.ts';
import type { PluginAxes, PluginChoice } from './axes.ts';
import { API_VERSION, outputText, pluginScript } from './script.ts';

type PluginCase = FuzzCase<PluginAxes>;

/** A plugin that never ends is aborted, as by the deadline of an inspection. */
const ABORT_AFTER_MS = 1_000;

/** Output, exit status and duration of the kubelet's credential-provider plugins. */
export class PluginTarget implements FuzzTarget<PluginAxes> {
  readonly name = 'plugins';
  readonly axes = PLUGIN_AXES;
  readonly even = ['output'] as const;
  readonly outcomes: ReadonlySet<string> = new Set(['credentials', 'no credentials', 'not in time']);
  /** The number of plugins that may run at the same time: a case must not use up its time while it waits for others. */
  readonly batchSize = 4;
  readonly counted: readonly CountedClass[] = [Socket, Uint8Array];
  #directory = '';

  async start(): Promise<void> {
    this.#directory = await mkdtemp(join(tmpdir(), 'archpolicy-fuzz-'));
  }

  stop(): Promise<void> {
    return rm(this.#directory, { recursive: true });
  }

  readonly connections = (): number => 0;

  run(cases: readonly PluginCase[]): Promise<readonly string[]> {
    return Promise.all(cases.map((one) => this.#run(one)));
  }

  async #run({ number, choice }: PluginCase): Promise<string> {
    const directory = join(this.#directory, String(number));
    await mkdir(directory);
    await install(directory, choice);
    const config = parseRegistries(`credentialProviders: {configFile: providers, binDirectory: ${directory}}`);
    const registries = new Registries(config, new Map([['providers', PROVIDERS]]));
    const plugins = new PluginCredentials(fixedRegistries(registries), createManualClock(), NO_LOGGER, ENVIRONMENT);
    const deadline = new AbortController();
    const stop = startTimer(systemClock(), ABORT_AFTER_MS, () => {
      deadline.abort();
    });
    const use = { tenant: 'fuzz', priority: 'admission', signal: deadline.signal } as const;
    const credentials = await plugins.get({ registry: 'a.fuzz.test', repository: 'app' }, use);
    stop();
    plugins.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    if (credentials === undefined) return 'not in time';
    return credentials.length === 0 ? 'no credentials' : 'credentials';
  }
}

const ENVIRONMENT = { PATH: '/usr/bin:/bin' };
const PROVIDERS = JSON.stringify({
  kind: 'CredentialProviderConfig',
  apiVersion: 'kubelet.config.k8s.io/v1',
  providers: [{ name: 'provider', matchImages: ['*.fuzz.test'], defaultCacheDuration: '1h', apiVersion: API_VERSION }],
});

/** Installs the plugin, or what is in its place. */
async function install(directory: string, choice: PluginChoice): Promise<void> {
  const plugin = join(directory, 'provider');
  const output = join(directory, 'output');
  await writeFile(output, outputText(choice.output));
  if (choice.program === 'missing') return;
  if (choice.program === 'directory') {
    await mkdir(plugin);
    return;
  }
  const contents: Readonly<Record<Exclude<PluginChoice['program'], 'missing' | 'directory'>, string>> = {
    script: pluginScript(choice, output),
    'not executable': pluginScript(choice, output),
    'no interpreter': '#!/no/such/interpreter\n',
    empty: '',
    binary: '\u007fELF\u0002\u0001\u0001\u0000',
  };
  await writeFile(plugin, contents[choice.program]);
  if (choice.program !== 'not executable') await chmod(plugin, 0o755);
}
