// Files on web servers, for the readers of this package.

export { fetchValue, isHttp, openHttp, type HttpOptions, type HttpSource } from '@deepearth/runtime/http-source';
