import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { getPort } from '../component/component.ts';
import type { Component } from '../component/component.ts';
import { waitForHttpOk } from '../component/ready.ts';

/** The distribution project's registry with plain HTTP on loopback, without credentials. */
export const registry = createRegistry('127.0.0.1');

/** Returns a registry that listens on the address. */
export function createRegistry(address: string): Component {
  return {
    kind: 'component',
    name: 'registry',
    needs: [],
    ports: ['http'],
    async launch({ layout, tool }, ports) {
      const port = getPort(ports, 'http');
      const configuration = layout.run('registry.yaml');
      await writeFile(
        configuration,
        stringify({
          version: 0.1,
          log: { level: 'warn', accesslog: { disabled: true } },
          storage: { filesystem: { rootdirectory: layout.data('registry') }, delete: { enabled: true } },
          http: { addr: `${address}:${port}` },
        }),
      );
      return {
        command: tool('registry'),
        args: ['serve', configuration],
        env: { OTEL_TRACES_EXPORTER: 'none' },
        ready: (signal) => waitForHttpOk(`http://127.0.0.1:${port}/v2/`, signal),
      };
    },
  };
}
