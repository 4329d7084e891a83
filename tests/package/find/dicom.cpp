#include <mgca/io/image_file.hpp>

int main() { return mgca::io::dicom_has_dcmtk() ? 0 : 1; }
