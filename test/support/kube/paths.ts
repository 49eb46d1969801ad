const KINDS: Record<string, readonly [api: string, resource: string]> = {
  Pod: ['/api/v1', 'pods'],
  ConfigMap: ['/api/v1', 'configmaps'],
  Secret: ['/api/v1', 'secrets'],
  Service: ['/api/v1', 'services'],
  ServiceAccount: ['/api/v1', 'serviceaccounts'],
  Role: ['/apis/rbac.authorization.k8s.io/v1', 'roles'],
  RoleBinding: ['/apis/rbac.authorization.k8s.io/v1', 'rolebindings'],
  Deployment: ['/apis/apps/v1', 'deployments'],
  StatefulSet: ['/apis/apps/v1', 'statefulsets'],
  PodDisruptionBudget: ['/apis/policy/v1', 'poddisruptionbudgets'],
  NetworkPolicy: ['/apis/networking.k8s.io/v1', 'networkpolicies'],
  Ingress: ['/apis/networking.k8s.io/v1', 'ingresses'],
  HorizontalPodAutoscaler: ['/apis/autoscaling/v2', 'horizontalpodautoscalers'],
}

/** Of the whole cluster. */
const CLUSTER_KINDS: Record<string, string> = {
  APIService: '/apis/apiregistration.k8s.io/v1/apiservices',
}

/** Where the API server keeps the objects of a kind. */
export function pathOf(kind: string, namespace = 'default'): string {
  const ofCluster = CLUSTER_KINDS[kind]
  if (ofCluster !== undefined) return ofCluster
  const [api, resource] = KINDS[kind] ?? []
  if (api === undefined) throw new Error(`no path is known for a ${kind}`)
  return `${api}/namespaces/${namespace}/${resource}`
}
