// The part of npm oidc-provider (which has no types of its own) that the tests use.
declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  export type Configuration = Readonly<Record<string, unknown>>;

  export interface Interaction {
    readonly prompt: { readonly name: string };
    readonly session?: { readonly accountId?: string };
  }

  interface Grant {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  }

  export default class Provider {
    readonly Grant: new (
      properties: Readonly<Record<string, string>>,
    ) => Grant;
    constructor(issuer: string, configuration: Configuration);
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: Readonly<Record<string, unknown>>,
      options?: Readonly<Record<string, boolean>>,
    ): Promise<void>;
  }
}
