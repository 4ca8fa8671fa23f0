{{/* Names, labels, and what the pods of all roles have in common. */}}

{{- define "dossier.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "dossier.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "dossier.labels" -}}
{{ include "dossier.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "dossier.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "dossier.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "dossier.name" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}

{{/* Settings as variables: those of all roles, overridden by `own`. Sorted, so that pods roll only if one
     changes. */}}
{{- define "dossier.environment" -}}
{{- $settings := merge (dict) (.own | default dict) .root.Values.settings -}}
{{- range $name := keys $settings | sortAlpha }}
{{- $value := index $settings $name }}
- name: {{ $name }}
  value: {{ if kindIs "float64" $value }}{{ int64 $value | toString | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- end -}}

{{- define "dossier.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "dossier.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* The pod of a role. Takes root, role, component, own (its values) and arguments. */}}
{{- define "dossier.pod" -}}
{{- $root := .root -}}
metadata:
  labels:
    {{- include "dossier.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
  {{- with .own.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "dossier.serviceAccount" $root }}
  # Nothing here speaks to Kubernetes.
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $root.Values.terminationGracePeriodSeconds }}
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "dossier.podSecurity" $root | nindent 4 }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "dossier.selector" $root | nindent 10 }}
          app.kubernetes.io/component: {{ .component }}
  containers:
    - name: {{ .role }}
      image: {{ include "dossier.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: [{{ .role }}]
      env:
        - {name: DOSSIER_OPS_LISTEN, value: "0.0.0.0:9090"}
        {{- with .queues }}
        - {name: DOSSIER_QUEUES, value: {{ join "," . | quote }}}
        {{- end }}
        {{- include "dossier.environment" (dict "root" $root "own" .own.settings) | nindent 8 }}
      envFrom:
        - secretRef: {name: {{ $root.Values.existingSecret }}}
      ports:
        {{- if eq .role "ingress" }}
        - {name: http, containerPort: 8080}
        {{- end }}
        - {name: ops, containerPort: 9090}
      # A restart doesn't help while the database is down: only liveness restarts.
      startupProbe:
        httpGet: {path: /health/live, port: ops}
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /health/live, port: ops}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /health/ready, port: ops}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      {{- if eq .role "ingress" }}
      # Until every proxy has heard that this pod ends, it goes on answering.
      lifecycle:
        preStop:
          exec: {command: [sleep, "5"]}
      {{- end }}
      securityContext:
        {{- include "dossier.containerSecurity" $root | nindent 8 }}
      {{- with .own.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - {name: data, mountPath: /var/lib/dossier}
        - {name: tmp, mountPath: /tmp}
  volumes:
    - {name: data, emptyDir: {}}
    - {name: tmp, emptyDir: {}}
  {{- with .own.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .own.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .own.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* How many of a role: a Deployment, its budget and what scales it. Takes what dossier.pod takes. */}}
{{- define "dossier.role" -}}
{{- $root := .root -}}
{{- $name := printf "%s-%s" (include "dossier.name" $root) .component -}}
{{- $scaling := .own.autoscaling | default (dict "kind" "none") -}}
{{- $budget := .own.podDisruptionBudget | default dict -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels:
    {{- include "dossier.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  {{- if eq ($scaling.kind | default "none") "none" }}
  replicas: {{ .own.replicas }}
  {{- end }}
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  selector:
    matchLabels:
      {{- include "dossier.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
  template:
    {{- include "dossier.pod" . | nindent 4 }}
{{- if $budget.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  labels:
    {{- include "dossier.labels" $root | nindent 4 }}
spec:
  maxUnavailable: {{ $budget.maxUnavailable | default 1 }}
  selector:
    matchLabels:
      {{- include "dossier.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
{{- end }}
{{- if eq ($scaling.kind | default "none") "hpa" }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $name }}
  labels:
    {{- include "dossier.labels" $root | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ $name }}}
  minReplicas: {{ max 1 ($scaling.min | default 1) }}
  maxReplicas: {{ $scaling.max }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ $scaling.cpuPercent | default 70 }}}
{{- end }}
{{- if eq ($scaling.kind | default "none") "keda" }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ $name }}
  labels:
    {{- include "dossier.labels" $root | nindent 4 }}
spec:
  scaleTargetRef: {name: {{ $name }}}
  minReplicaCount: {{ $scaling.min | default 1 }}
  maxReplicaCount: {{ $scaling.max }}
  pollingInterval: {{ $root.Values.keda.pollingInterval }}
  cooldownPeriod: {{ $root.Values.keda.cooldownPeriod }}
  triggers:
    - type: prometheus
      # As many times the pods as the queue is too old, each step by KEDA's own rules.
      metricType: Value
      metadata:
        serverAddress: {{ $root.Values.keda.prometheusAddress }}
        query: max(dossier_queue_oldest_seconds{namespace="{{ $root.Release.Namespace }}",queue=~"{{ join "|" .queues | default ".*" }}"})
        threshold: {{ $scaling.queueAgeSeconds | default 15 | quote }}
{{- end }}
{{- end -}}
