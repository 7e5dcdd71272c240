/**
 * A parsed image reference. Holding one means that it parsed: only `parseReference` makes them.
 * Grammar: github.com/distribution/reference.
 */
export interface ImageReference {
  /** Host and optional port that serves the image, `docker.io` when the reference named none. */
  readonly registry: string;
  /** Path below the host, with `library/` filled in on docker.io. */
  readonly repository: string;
  /** Absent when the reference has a digest and no tag; `latest` when it has neither. */
  readonly tag?: string;
  /** `algorithm:hex`. When present it decides, whatever the tag says. */
  readonly digest?: string;
}
