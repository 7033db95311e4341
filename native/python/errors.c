/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of errors for Python, made when an error is: the texts stay where every process of the machine shares them. */
#include "native.h"

static const char *const codes[][5] = {
#define CODE(code, cls, kind, cause, hint) {code, cls, kind, cause, hint},
#include "errors.def"
};
static const struct {
    const char *name, *code, *text;
    int number;
} results[] = {
#define ERROR(name, number, code, text) {#name, code, text, number},
#include "errors.def"
};

static PyObject *codes_list(void)
{
    PyObject *out = PyList_New(0);
    for (size_t i = 0; out && i < sizeof codes / sizeof *codes; i++) {
        const char *const *c = codes[i];
        PyObject *row = Py_BuildValue("(sssss)", c[0], c[1], c[2], c[3], c[4]);
        if (!row || PyList_Append(out, row))
            Py_CLEAR(out);
        Py_XDECREF(row);
    }
    return out;
}

static PyObject *results_list(void)
{
    PyObject *out = PyList_New(0);
    for (size_t i = 0; out && i < sizeof results / sizeof *results; i++) {
        PyObject *row = Py_BuildValue("(siss)", results[i].name, results[i].number, results[i].code, results[i].text);
        if (!row || PyList_Append(out, row))
            Py_CLEAR(out);
        Py_XDECREF(row);
    }
    return out;
}

PyObject *mplog_f_error_rows(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    PyObject *of_codes = codes_list(), *of_results = of_codes ? results_list() : NULL;
    if (!of_results) {
        Py_XDECREF(of_codes);
        return NULL;
    }
    return Py_BuildValue("(NN)", of_codes, of_results);
}
