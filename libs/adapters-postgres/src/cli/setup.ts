import { setupDatabase } from '../demo/demo-database';
import { withDatabase } from './with-database';

void withDatabase('the database is set up', setupDatabase);
