import { controlPlaneClient } from './control-plane-client.ts';

export const kubeScheduler = controlPlaneClient('kube-scheduler', () => []);
