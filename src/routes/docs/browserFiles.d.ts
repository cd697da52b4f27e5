// Files that go to the browser as they are: an import gives their path, also inside the binary.
declare module "*.browser.js" {
  const path: string;
  export default path;
}
declare module "*.browser.css" {
  const path: string;
  export default path;
}
declare module "swagger-ui-dist/swagger-ui-bundle.js" {
  const path: string;
  export default path;
}
declare module "swagger-ui-dist/swagger-ui.css" {
  const path: string;
  export default path;
}
declare module "*/dist/browser/standalone.js" {
  const path: string;
  export default path;
}
