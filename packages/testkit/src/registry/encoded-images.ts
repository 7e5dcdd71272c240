import type { FakeRegistry } from './fake-registry.ts';
import { singleImage } from './images.ts';
import type { TokenServer } from './token-server.ts';

/** An image of which one response has a `Content-Encoding`. */
export interface EncodedImage {
  readonly contentEncoding: string;
  /** The response that is encoded. */
  readonly answer: 'manifest' | 'config' | 'token';
  readonly outcome: 'resolved' | 'Malformed';
  readonly repository: string;
}

const CODINGS: readonly (readonly [contentEncoding: string, outcome: EncodedImage['outcome']])[] = [
  ['gzip', 'resolved'],
  ['x-gzip', 'resolved'],
  ['GZIP', 'resolved'],
  ['deflate', 'resolved'],
  ['identity', 'resolved'],
  ['Identity', 'resolved'],
  ['aws-chunked', 'resolved'],
  ['', 'resolved'],
  ['gzip, gzip', 'resolved'],
  ['deflate,gzip', 'resolved'],
  ['aws-chunked, gzip', 'resolved'],
  ['br', 'Malformed'],
  ['zstd', 'Malformed'],
  ['compress', 'Malformed'],
  ['x-unknown', 'Malformed'],
  ['gzip, br', 'Malformed'],
];

/** One image for each combination of a content coding and a type of response. */
export const ENCODED_IMAGES: readonly EncodedImage[] = CODINGS.flatMap(([contentEncoding, outcome], row) =>
  (['manifest', 'config', 'token'] as const).map((answer) => ({
    contentEncoding,
    answer,
    outcome,
    repository: `${answer}/coding-${row}`,
  })),
);

/** The platform of all encoded images. */
export const ENCODED_PLATFORM = 'linux/arm64';

/** Pushes the images with the tag `v1`, and configures both servers to encode their responses. */
export function serveEncodedImages(registry: FakeRegistry, tokens: TokenServer): void {
  for (const { repository } of ENCODED_IMAGES)
    registry.push(repository, 'v1', singleImage(ENCODED_PLATFORM, repository));
  const getCoding = (answer: EncodedImage['answer'], repository: string): string | undefined =>
    ENCODED_IMAGES.find((image) => image.answer === answer && image.repository === repository)?.contentEncoding;
  const demandToken = tokens.access();
  registry.access = (request, repository) =>
    repository.startsWith('token/') ? demandToken(request, repository) : undefined;
  registry.contentEncoding = (_, repository, kind) => getCoding(kind === 'blobs' ? 'config' : 'manifest', repository);
  tokens.contentEncoding = (repository) => getCoding('token', repository);
}

/** The anonymous user of the token service, with access to all encoded images. */
export const ENCODED_IMAGES_USER = {
  name: '',
  password: '',
  repositories: ENCODED_IMAGES.map(({ repository }) => repository),
};
