// What people need to look after deployments: added to the roles view, edit and admin that clusters have.
import { GROUP, localModelDeployments } from '../../api/types.ts';

const { plural } = localModelDeployments;

export const viewRules = [
  { apiGroups: [GROUP], resources: [plural, `${plural}/status`, `${plural}/scale`], verbs: ['get', 'list', 'watch'] },
] as const;

/** Beside what view has. Status is written by the operator alone. */
export const editRules = [
  {
    apiGroups: [GROUP],
    resources: [plural],
    verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
  },
  { apiGroups: [GROUP], resources: [`${plural}/scale`], verbs: ['update', 'patch'] },
] as const;
