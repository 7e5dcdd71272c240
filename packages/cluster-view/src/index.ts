export { ARCHPOLICIES, createClusterView, createClusterViewWithPods } from './cluster-view.ts';
export type {
  ClusterView,
  ClusterViewOptions,
  ClusterViewWithPods,
  PodViewOptions,
  ViewedResource,
} from './cluster-view.ts';
export type { NamespaceView } from './namespace-view.ts';
export type { NodeView } from './node-view.ts';
export { podKey } from './pod-view.ts';
export type { PodView } from './pod-view.ts';
export type { InvalidPolicy, PolicyEntry, PolicyView } from './policy-view.ts';
