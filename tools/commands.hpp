#pragma once
// Each adds one sub-command to the program. `status` becomes the exit status where it is not always 0.

namespace CLI {
class App;
}

namespace tapegrad::tools {

void add_train_command(CLI::App& app, int& status);
void add_predict_command(CLI::App& app);
void add_generate_command(CLI::App& app);
void add_recommend_command(CLI::App& app);
void add_translate_command(CLI::App& app);
void add_export_command(CLI::App& app);
void add_graph_command(CLI::App& app, int& status);
void add_explain_command(CLI::App& app);
void add_inspect_command(CLI::App& app);
void add_run_command(CLI::App& app);
void add_gradcheck_command(CLI::App& app, int& status);
void add_op_command(CLI::App& app);
void add_ops_command(CLI::App& app);
void add_completion_command(CLI::App& app);
void add_man_command(CLI::App& app);

}  // namespace tapegrad::tools
