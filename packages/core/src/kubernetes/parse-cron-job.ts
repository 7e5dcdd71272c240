import type { Json, JsonObject } from '../json/json.ts';
import { readPodLabels } from './labels.ts';
import type { PodLabels } from './labels.ts';
import { podImages, pullSecretNames } from './pod-spec.ts';
import { objectAt, textAt } from '../json/read.ts';
import { withoutUndefined } from '../without-undefined.ts';

/** The facts of a CronJob that determine the images of its next pods. */
export interface CronJobFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly suspended: boolean;
  /** The labels of the CronJob's pods. */
  readonly podLabels: PodLabels;
  readonly images: readonly string[];
  /** `imagePullSecrets` and `serviceAccountName` of the CronJob's pods: they determine the credentials for the images. */
  readonly puller: JsonObject;
}

/** Parses a CronJob. Returns undefined if the object lacks a field that every stored object has. */
export function parseCronJob(raw: JsonObject): CronJobFacts | undefined {
  const metadata = objectAt(raw, 'metadata');
  const [namespace, name, uid] = ['namespace', 'name', 'uid'].map((key) => textAt(metadata, key));
  if (namespace === undefined || name === undefined || uid === undefined) return undefined;
  const spec = objectAt(raw, 'spec');
  const template = objectAt(objectAt(objectAt(spec, 'jobTemplate'), 'spec'), 'template');
  const podSpec = objectAt(template, 'spec');
  return {
    namespace,
    name,
    uid,
    suspended: spec['suspend'] === true,
    podLabels: readPodLabels(template),
    images: podImages(podSpec),
    puller: readPuller(podSpec),
  };
}

function readPuller(podSpec: JsonObject): JsonObject {
  const imagePullSecrets: Json = pullSecretNames(podSpec).map((name) => ({ name }));
  return withoutUndefined({ imagePullSecrets, serviceAccountName: textAt(podSpec, 'serviceAccountName') });
}
