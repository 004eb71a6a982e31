/** All stores. */
export { openSealedStore } from './sealed/index.js';
