{{- define "concertina.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 48 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of one component: (list . "server") */}}
{{- define "concertina.name" -}}
{{- printf "%s-%s" (include "concertina.fullname" (first .)) (last .) -}}
{{- end -}}

{{- define "concertina.selector" -}}
app.kubernetes.io/name: {{ default (first .).Chart.Name (first .).Values.nameOverride }}
app.kubernetes.io/instance: {{ (first .).Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end -}}

{{- define "concertina.labels" -}}
{{ include "concertina.selector" . }}
app.kubernetes.io/version: {{ (first .).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (first .).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (first .).Chart.Name (first .).Chart.Version }}
{{- end -}}

{{- define "concertina.metadata" -}}
name: {{ include "concertina.name" . }}
namespace: {{ (first .).Release.Namespace }}
labels:
  {{- include "concertina.labels" . | nindent 2 }}
{{- end -}}

{{- define "concertina.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}

{{/* Not a default of values.yaml: Helm would merge the options of its policy into those of another. */}}
{{- define "concertina.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if not $config.autoScaler -}}
{{- $policy := dict "kind" "slo" "usersPerServer" 1000 -}}
{{- $_ := set $config "autoScaler" (dict "minServers" 2 "maxServers" 20 "policy" $policy) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- define "concertina.secret" -}}
{{ default (include "concertina.fullname" .) .Values.auth.existingSecret }}
{{- end -}}

{{- define "concertina.metricSecret" -}}
{{ default (include "concertina.name" (list . "metric")) .Values.metric.existingSecret }}
{{- end -}}

{{/* Whether the NATS cluster of this chart is the broker: not empty if so. */}}
{{- define "concertina.ownNats" -}}
{{- if .Values.broker.url -}}
{{- else if .Values.nats.enabled -}}
yes
{{- else -}}
{{- fail "broker.url is empty and nats.enabled is false: where are rooms to be kept?" -}}
{{- end -}}
{{- end -}}

{{- define "concertina.brokerArgs" -}}
{{- $nats := include "concertina.name" (list . "nats") -}}
{{- if include "concertina.ownNats" . -}}
{{- $nodes := list -}}
{{- range $i := until (int .Values.nats.replicas) -}}
{{- $nodes = append $nodes (printf "nats://%s-%d.%s:4222" $nats $i $nats) -}}
{{- end -}}
- --broker={{ join "," $nodes }}
- --replicas={{ min 3 (int .Values.nats.replicas) }}
{{- else -}}
- --broker={{ .Values.broker.url }}
{{- with .Values.broker.replicas }}
- --replicas={{ . }}
{{- end }}
{{- end }}
- --cluster-name={{ default (include "concertina.fullname" .) .Values.broker.clusterName }}
{{- end -}}

{{- define "concertina.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "concertina.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* Where the pods of a component may run: (list . "server" .Values.server) */}}
{{- define "concertina.placement" -}}
{{- $component := index . 1 -}}
{{- with index . 2 -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "concertina.selector" (list (index $ 0) $component) | nindent 8 }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "concertina.budget" -}}
{{- if (first .).Values.podDisruptionBudget.enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "concertina.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "concertina.selector" . | nindent 6 }}
{{- end -}}
{{- end -}}
