import type { Clock } from '@archpolicy/async';
import type { Api, ApiRequest, ListRequest, WatchRequest, WatchStream } from './api-client.ts';
import { toErrorLabel, toResource, toStatusLabel, toVerb } from './request-labels.ts';
import type { CountedResource, StatusLabel, Verb } from './request-labels.ts';
import type { ApiResponse, StatusError } from './response.ts';

/** A request that has ended. */
export interface EndedRequest {
  readonly verb: Verb;
  readonly resource: CountedResource;
  readonly code: StatusLabel;
  /** For a watch, until the headers of the response. It includes the wait for a connection. */
  readonly tookMs: number;
}

export interface ObservedApiOptions {
  readonly api: Api;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Called once for each request. Must not throw. */
  readonly onEnded: (request: EndedRequest) => void;
}

const OPENED = { status: 200 };

/** Passes requests to another client, and reports each of them when it has ended. */
export class ObservedApi implements Api {
  readonly #options: ObservedApiOptions;

  constructor(options: ObservedApiOptions) {
    this.#options = options;
  }

  request(request: ApiRequest): Promise<ApiResponse> {
    const verb = toVerb(request.method, request.path);
    return this.#observe(verb, request, () => this.#options.api.request(request));
  }

  list(request: ListRequest): Promise<ApiResponse> {
    return this.#observe('list', request, () => this.#options.api.list(request));
  }

  watch(request: WatchRequest): Promise<WatchStream | StatusError> {
    return this.#observe('watch', request, () => this.#options.api.watch(request));
  }

  async #observe<R extends ApiResponse | WatchStream>(
    verb: Verb,
    { path }: { readonly path: string },
    send: () => Promise<R>,
  ): Promise<R> {
    const { clock, onEnded } = this.#options;
    const startedAt = clock.monotonic();
    let code: StatusLabel = 'network';
    try {
      const response = await send();
      code = toStatusLabel(response.kind === 'streaming' ? OPENED : response);
      return response;
    } catch (error) {
      code = toErrorLabel(error);
      throw error;
    } finally {
      onEnded({ verb, resource: toResource(path), code, tookMs: clock.monotonic() - startedAt });
    }
  }
}
