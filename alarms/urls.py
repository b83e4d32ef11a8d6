from django.urls import path

from alarms.views import charts, details, doctor, history, lists, plans

urlpatterns = [
    path("", lists.alarm_list, name="alarms"),
    path("history/", history.alarm_history, name="alarm_history"),
    path("doctor/", doctor.doctor_page, name="alarm_doctor"),
    path("findings/<int:finding>/fix/", doctor.finding_fix, name="alarm_finding_fix"),
    path("runs/<int:run>/", history.alarm_run, name="alarm_run"),
    path("sets/<slug:set_name>/plan/", plans.alarm_plan, name="alarm_plan"),
    path("sets/<slug:set_name>/apply/", plans.alarm_apply, name="alarm_apply"),
    path("<int:pk>/", details.alarm_detail, name="alarm"),
    path("<int:pk>/chart/", charts.alarm_chart, name="alarm_chart"),
    path("<int:pk>/exclude/", doctor.alarm_exclude, name="alarm_exclude"),
    path("<int:pk>/examine/", doctor.alarm_examine, name="alarm_examine"),
    path("<int:pk>/mute/", details.alarm_mute, name="alarm_mute"),
    path("<int:pk>/unmute/", details.alarm_unmute, name="alarm_unmute"),
    path("<int:pk>/switch/", details.alarm_switch, name="alarm_switch"),
]
