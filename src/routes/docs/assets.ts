// The files of the docs pages, as the browser gets them. They travel inside the binary and come from no other host.
import swaggerStyle from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import swaggerScript from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import scalarScript from "../../../node_modules/@scalar/api-reference/dist/browser/standalone.js" with {
  type: "file",
};
import accountScript from "./browser/account.browser.js" with { type: "file" };
import explorerScript from "./browser/explorer.browser.js" with { type: "file" };
import pageStyle from "./browser/page.browser.css" with { type: "file" };
import referenceScript from "./browser/reference.browser.js" with { type: "file" };
import { type Content, toContent } from "./content.ts";

const SCRIPT = "text/javascript; charset=utf-8";
const STYLE = "text/css; charset=utf-8";

const FILES = {
  "swagger-ui.js": { path: swaggerScript, type: SCRIPT },
  "swagger-ui.css": { path: swaggerStyle, type: STYLE },
  "scalar.js": { path: scalarScript, type: SCRIPT },
  "page.css": { path: pageStyle, type: STYLE },
  "account.js": { path: accountScript, type: SCRIPT },
  "explorer.js": { path: explorerScript, type: SCRIPT },
  "reference.js": { path: referenceScript, type: SCRIPT },
} as const;

/** The name of a file of the docs pages. */
export type AssetName = keyof typeof FILES;

/** One file, ready to be sent. */
export interface Asset extends Content {
  readonly type: string;
}

const read = async (name: AssetName): Promise<Asset> => {
  const { path, type } = FILES[name];
  return { type, ...toContent(await Bun.file(path).bytes()) };
};

const assets = new Map<AssetName, Promise<Asset>>();

/** A file by its name; read and compressed at its first use, then kept (about 8 MB for all of them). */
export const assetOf = (name: string): Promise<Asset> | undefined => {
  if (!isAsset(name)) return undefined;
  let asset = assets.get(name);
  if (asset === undefined) {
    asset = read(name);
    assets.set(name, asset);
  }
  return asset;
};

const isAsset = (name: string): name is AssetName => Object.hasOwn(FILES, name);
