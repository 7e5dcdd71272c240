import { mkdir } from 'node:fs/promises';
import { portOf } from '../component/component.ts';
import type { Component } from '../component/component.ts';
import { untilTcpAnswers } from '../component/ready.ts';

export const redis: Component = {
  kind: 'component',
  name: 'redis',
  needs: [],
  ports: ['redis'],
  async launch({ layout, tool }, ports) {
    const port = portOf(ports, 'redis');
    const directory = layout.data('redis');
    await mkdir(directory, { recursive: true });
    return {
      command: tool('redis-server'),
      // `--save ''`: it keeps nothing on disk.
      args: ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--save', '', '--appendonly', 'no'],
      ready: (signal) => untilTcpAnswers(port, 'PING\r\n', '+PONG', signal),
    };
  },
};
