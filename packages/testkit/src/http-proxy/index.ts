export * from './connect-proxy.ts';
