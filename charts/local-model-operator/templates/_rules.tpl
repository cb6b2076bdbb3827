{{- /* Made from src/operator/permissions.ts by `npm run generate`; do not edit. */ -}}
{{- define "lmo.namespacedRules" -}}
- apiGroups:
    - localmodels.dev
  resources:
    - localmodeldeployments
  verbs:
    - list
    - watch
- apiGroups:
    - localmodels.dev
  resources:
    - localmodeldeployments/status
  verbs:
    - patch
- apiGroups:
    - localmodels.dev
  resources:
    - localmodeldeployments/finalizers
  verbs:
    - update
- apiGroups:
    - apps
  resources:
    - deployments
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - update
    - delete
- apiGroups:
    - ""
  resources:
    - services
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - update
    - delete
- apiGroups:
    - ""
  resources:
    - configmaps
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - delete
- apiGroups:
    - ""
  resources:
    - persistentvolumeclaims
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - update
- apiGroups:
    - networking.k8s.io
  resources:
    - networkpolicies
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - update
    - delete
- apiGroups:
    - policy
  resources:
    - poddisruptionbudgets
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - update
    - delete
- apiGroups:
    - monitoring.coreos.com
  resources:
    - servicemonitors
  verbs:
    - get
    - list
    - watch
    - create
    - patch
    - update
    - delete
- apiGroups:
    - ""
  resources:
    - pods
  verbs:
    - list
    - watch
    - delete
- apiGroups:
    - ""
  resources:
    - events
  verbs:
    - list
- apiGroups:
    - events.k8s.io
  resources:
    - events
  verbs:
    - create
{{- end }}

{{- define "lmo.clusterRules" -}}
- apiGroups:
    - ""
  resources:
    - nodes
  verbs:
    - list
- apiGroups:
    - resource.k8s.io
  resources:
    - deviceclasses
  verbs:
    - list
- apiGroups:
    - apiextensions.k8s.io
  resources:
    - customresourcedefinitions
  verbs:
    - list
    - watch
{{- end }}

{{- define "lmo.leaseRules" -}}
- apiGroups:
    - coordination.k8s.io
  resources:
    - leases
  verbs:
    - get
    - create
    - update
{{- end }}

{{- define "lmo.viewRules" -}}
- apiGroups:
    - localmodels.dev
  resources:
    - localmodeldeployments
    - localmodeldeployments/status
    - localmodeldeployments/scale
  verbs:
    - get
    - list
    - watch
{{- end }}

{{- define "lmo.editRules" -}}
- apiGroups:
    - localmodels.dev
  resources:
    - localmodeldeployments
  verbs:
    - create
    - update
    - patch
    - delete
    - deletecollection
- apiGroups:
    - localmodels.dev
  resources:
    - localmodeldeployments/scale
  verbs:
    - update
    - patch
{{- end }}
