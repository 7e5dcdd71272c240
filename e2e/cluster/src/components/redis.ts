import { mkdir } from 'node:fs/promises';
import { getPort } from '../component/component.ts';
import type { Component } from '../component/component.ts';
import { waitForTcpResponse } from '../component/ready.ts';

export const redis: Component = {
  kind: 'component',
  name: 'redis',
  needs: [],
  ports: ['redis'],
  async launch({ layout, tool }, ports) {
    const port = getPort(ports, 'redis');
    const directory = layout.data('redis');
    await mkdir(directory, { recursive: true });
    return {
      command: tool('redis-server'),
      // `--save ''` disables snapshots.
      args: ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--save', '', '--appendonly', 'no'],
      ready: (signal) => waitForTcpResponse(port, 'PING\r\n', '+PONG', signal),
    };
  },
};
