/** The dependents use what they are given at once: what is measured is rotor, not their patience. */
import type { World } from '../test/engine/world.js';

export function useAtOnce(world: World): void {
  const deliver = world.connector.deliver.bind(world.connector);
  world.connector.deliver = async (delivery) => {
    await deliver(delivery);
    world.issuer.use(delivery.version.value.reveal(), { userAgent: delivery.destination.identity });
  };
}
